#!/bin/sh
# Any provider that runs a shell: the job ends as the first command that fails.
set -eu
rm -rf xt-ci
xt pull baseline -r "$XT_REMOTE"
xt run --ci generic --strict --as train -m "$(git log -1 --format=%s)"
xt verify --ci generic @ --repeat 2
xt diff --ci generic --fail-on regression,incomplete
