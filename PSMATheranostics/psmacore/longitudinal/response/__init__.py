"""Time points and lesion tracks of a course to response categories with their evidence."""
