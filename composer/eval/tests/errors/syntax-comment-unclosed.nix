/* begins
{ }
