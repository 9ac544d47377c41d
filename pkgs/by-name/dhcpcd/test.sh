# It reads its configuration and names its options.
set -eu
dhcpcd --version | grep -q '^dhcpcd 10'
dhcpcd --variables | grep -q domain_name_servers
