[ first second ]
