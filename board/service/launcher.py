#!/opt/trigger-word/bin/python3 -I
import sys

from firmware_py.__main__ import main

sys.exit(main())
