#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# install-catalogue.sh FILE FOLDER: copies one compiled catalogue.
set -e
install -d "${DESTDIR:-}$2"
install -m 644 "$1" "${DESTDIR:-}$2"
