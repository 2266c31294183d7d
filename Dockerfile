# Linxuan with all it needs; compose.yaml shows how its programs run together.
FROM python:3.13-slim-bookworm
# What a PDF is written with: a Chinese font, and fontconfig to find it.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends fontconfig fonts-noto-cjk && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --home-dir /srv/linxuan linxuan && install -d -o linxuan /files
WORKDIR /srv/linxuan
COPY --chown=linxuan . .
USER linxuan
RUN python3 run.py setup
ENV LINXUAN_FILE_FOLDER=/files
EXPOSE 8000
ENTRYPOINT [".venv/bin/linxuan"]
CMD ["serve", "--host", "0.0.0.0"]
