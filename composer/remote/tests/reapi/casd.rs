//! A real engine: buildbox-casd, which `tests/casd.sh` fetches. Without it these tests are skipped.
