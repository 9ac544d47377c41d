//! Fetching, the lock resolver and unpacking of archives
