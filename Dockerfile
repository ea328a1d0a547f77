# reconciler in a small image, without the emulator:
#
#   docker build -t reconciler .
#   docker run --rm -v "$PWD/site:/work" -e MATON_API_KEY reconciler plan
#
# The base image is named by version and digest (that of all platforms). To renew both:
#   docker buildx imagetools inspect python:3.12-slim-bookworm

FROM python:3.12.14-slim-bookworm@sha256:392307d22300de8b5986851a12d9176dfc0fc073e65bf6523ebd7dcbeb23564e AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# Everything that is installed has a hash in requirements.lock; only the tool itself is built here.
FROM base AS build
WORKDIR /source
COPY requirements.lock ./
RUN python -m venv /opt/reconciler \
    && /opt/reconciler/bin/python -m pip install --require-hashes -r requirements.lock
COPY pyproject.toml setup.py MANIFEST.in README.md ./
COPY docs docs
COPY reconciler reconciler
RUN /opt/reconciler/bin/python -m pip install --no-deps --no-build-isolation .

# What compose.yaml needs as well: the emulator.
FROM build AS build-demo
COPY requirements-dev.lock ./
RUN /opt/reconciler/bin/python -m pip install --constraint requirements-dev.lock starlette uvicorn

FROM base AS runtime
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /work reconciler \
    && install -d -o reconciler -g reconciler /work
USER 10001:10001
WORKDIR /work
ENV PATH=/opt/reconciler/bin:$PATH
ENTRYPOINT ["reconciler"]
CMD ["help"]

FROM runtime AS demo
COPY --from=build-demo /opt/reconciler /opt/reconciler
COPY examples /examples

FROM runtime AS reconciler
COPY --from=build /opt/reconciler /opt/reconciler
