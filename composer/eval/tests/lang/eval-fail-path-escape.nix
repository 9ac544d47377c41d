import (./. + "/../../secret")
