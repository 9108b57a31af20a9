@"%~dp0qvl-doctor-python.exe" %*
