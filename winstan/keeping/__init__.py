"""Keeping fits in files: one netCDF file each, of data alone, that opens anywhere."""
