# The base image needs Node 20 or newer with npm, and nothing else.
ARG BASE_IMAGE=node:20-bookworm-slim
FROM ${BASE_IMAGE}
WORKDIR /opt/coffer
COPY . .
RUN npm ci --no-audit --no-fund && npx tsc -b && npm prune --omit=dev --no-audit --no-fund
EXPOSE 8200 8201
VOLUME ["/coffer/data"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/coffer/packages/cli/bin/coffer.js"]
CMD ["server", "-dev", "-dev-listen-address=0.0.0.0:8200"]
