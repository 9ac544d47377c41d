# features: no-url-literals
{ homepage = https://example.org/x; }
