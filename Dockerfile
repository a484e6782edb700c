# The base image needs Node 20 or newer with npm, and nothing else.
ARG BASE_IMAGE=node:20-bookworm-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /opt/coffer
COPY . .
RUN npm ci --no-audit --no-fund \
 && npm run build \
 && npm prune --omit=dev --workspace=@coffer/cli --include-workspace-root --no-audit --no-fund

FROM ${BASE_IMAGE}
WORKDIR /opt/coffer
COPY --from=build /opt/coffer/package.json ./
COPY --from=build /opt/coffer/node_modules ./node_modules
COPY --from=build /opt/coffer/proto ./proto
COPY --from=build /opt/coffer/packages ./packages
COPY --from=build /opt/coffer/scripts ./scripts
# A number, so that an orchestrator can see that it is not root. A new volume mounted on one of these folders takes over its owner;
# no VOLUME is declared, for that would leave one without a name behind every container.
RUN mkdir -p /coffer/data /coffer/shared /coffer/keys \
 && chown 8200:8200 /coffer/data /coffer/shared /coffer/keys \
 && chmod 0700 /coffer/data /coffer/shared /coffer/keys \
 && ln -s /opt/coffer/packages/cli/bin/coffer.js /usr/local/bin/coffer
USER 8200:8200
# The CLI keeps a token in its home, the server keeps nothing there.
ENV HOME=/tmp NODE_ENV=production
EXPOSE 8200 8201
STOPSIGNAL SIGTERM
ENTRYPOINT ["coffer"]
CMD ["server", "-dev", "-dev-listen-address=0.0.0.0:8200"]
