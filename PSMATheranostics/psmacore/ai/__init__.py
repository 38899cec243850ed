"""Networks that segment and classify: built, trained, evaluated and run; the only room that knows torch and MONAI."""
