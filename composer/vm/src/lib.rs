//! Boots images in QEMU and judges what they say
