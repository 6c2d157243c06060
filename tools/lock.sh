#!/bin/sh
# Write requirements.lock: the version of every package in an environment made from nothing but pyproject.toml.
#
# Names and versions only; no address of any registry. It is used as a constraints file, so it may hold more than one
# install needs, and packages that only another Python version needs are free to resolve.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh tools/bootstrap "$work/venv"
mkdir "$work/src"
cp -R pyproject.toml README.md LICENSE analyzer "$work/src/" # building in the tree would leave a build/ behind
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    "$work/src[dev,fast,rules,parquet,dask,remote,cluster,notebook,browser,images,zstd]"
{
    echo "# Made by \`make lock\`: the versions that were tested together. Used as pip constraints, see Makefile."
    "$work/venv/bin/python" -m pip freeze --exclude k3slog --exclude pip --exclude setuptools --exclude wheel |
        grep -E '^[A-Za-z0-9._-]+==[^ ]+$' | LC_ALL=C sort -f
} >"$work/lock"
mv "$work/lock" requirements.lock
echo "lock: $(grep -c == requirements.lock) versions written to requirements.lock" >&2
