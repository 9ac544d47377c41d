//! Deterministic image writers: ISO 9660, FAT, GPT, cpio, tar and OCI
