#!/bin/bash
# The drop-in when an allocation fails, or a system call, at a few places of each kind; "make torture" tries more.
TORTURE_POINTS=${TORTURE_POINTS:-12} exec "$O/torture/dropin"
