"""Stored PET values to standardized uptake values, with the derivation in words.

``convert.to_suv`` is the way in; ``tracer.identify_tracer`` names the radiopharmaceutical and
``overrides.parse_override`` reads what a reader enters in place of the header.
"""
