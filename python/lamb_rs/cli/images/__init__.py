"""The images that the commands train on."""
