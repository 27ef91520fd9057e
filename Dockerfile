# One image for every service of docker-compose.yml; the command says which part it plays.
# Only the wheel, with the engine in C, and the versions of constraints.txt go in: no tests, no compiler, no root.

FROM python:3.12-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY pyproject.toml hatch_build.py constraints.txt README.md LICENSE ./
COPY orchestrator orchestrator
COPY workers workers
COPY templates templates
# The second name is what newer versions of pip read.
RUN HATCH_BUILD_HOOKS_ENABLE=1 PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
    pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LIFECYCLE_HOME=/var/lib/lifecycle
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    --mount=type=bind,source=constraints.txt,target=/constraints.txt \
    pip install --no-cache-dir --constraint /constraints.txt /wheels/*.whl \
    && useradd --uid 10001 --home-dir /var/lib/lifecycle --create-home --shell /usr/sbin/nologin lifecycle
USER lifecycle
WORKDIR /var/lib/lifecycle
CMD ["lifecycle", "--help"]
