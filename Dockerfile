# Two images from one file:  docker build --target cpu .   and   docker build --target gpu .
FROM python:3.11-slim AS source
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY guard guard
COPY agents agents
COPY serving serving
COPY eval eval

FROM python:3.11-slim AS build-cpu
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ && rm -rf /var/lib/apt/lists/*
COPY --from=source /src /src
COPY requirements-cpu.lock /src/
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --upgrade 'pip>=25.1' \
    && /venv/bin/pip install --no-cache-dir --constraint /src/requirements-cpu.lock '/src[cpu]' \
    && /venv/bin/pip uninstall --yes torchvision torchaudio torchcodec

FROM python:3.11-slim AS build-gpu
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ && rm -rf /var/lib/apt/lists/*
COPY --from=source /src /src
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --upgrade 'pip>=25.1' \
    && /venv/bin/pip install --no-cache-dir '/src[gpu]'

FROM python:3.11-slim AS runtime
# vLLM's workers compile small helpers on some machines; libnuma and libgomp are what its wheels link against.
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ libnuma1 libgomp1 \
    && rm -rf /var/lib/apt/lists/* && useradd --create-home --uid 10001 lethe && install -d -o lethe /data
ENV PATH=/venv/bin:$PATH LETHE_DATA_DIR=/data LETHE_HOST=0.0.0.0
USER lethe
WORKDIR /home/lethe
VOLUME /data
EXPOSE 8000 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=10m \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["lethe"]
CMD ["serve"]

FROM runtime AS gpu
COPY --from=build-gpu /venv /venv

FROM runtime AS cpu
COPY --from=build-cpu /venv /venv
