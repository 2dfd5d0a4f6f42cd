# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stand-in tenant's own tests; they need neither root nor a network."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
