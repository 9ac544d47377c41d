# What `xsc-compose shell` reads in the sandbox of a package: the phases of scripts/build.sh, one function each.
# No build reads it. Usage: `setup` once, then `prepare_phase`, `configure_phase` and so on, as often as needed.
if [ -n "${XSC_NAME:-}" ] && [ -r /xsc/scripts/build.sh ]; then
	# Its functions, without the last part, which runs them.
	eval "$(sed '/^cd "\$source_dir"$/,$d' /xsc/scripts/build.sh)"
	set +euo pipefail

	# Tools, variables, patches: what the phases start from.
	setup() {
		cd "$source_dir" && install_tools && toolchain_variables && apply_patches && fresh_config_sub && mkdir -p "$image"
	}
	# In a process of their own: a phase that fails ends it.
	prepare_phase() { (phase prepare "$XSC_PREPARE"); }
	configure_phase() { (phase configure "$XSC_CONFIGURE"); }
	compile_phase() { (phase compile "$XSC_COMPILE"); }
	install_phase() { (phase install "$XSC_INSTALL"); }
	finish_phase() { (phase finish "$XSC_FINISH"); }
	suite_phase() { [ -z "$XSC_SUITE" ] || (phase suite "$XSC_SUITE"); }
fi
