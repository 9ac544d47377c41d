# Nothing but starting and ending.
null
