# syntax=docker/dockerfile:1

# The bundle, and what it needs at run time.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The image has its Node, so nothing needs to fetch one; only esbuild and tsc run here, which need no scripts.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.base.json ./
COPY .ci/build.ts .ci/build.ts
COPY migrations migrations
COPY src src
RUN PATH="$PATH:$PWD/node_modules/.bin" node .ci/build.ts \
  && npm prune --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8080 \
    POLLHOOK_DB=/data/pollhook.db
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/migrations migrations
COPY --from=build /build/dist dist
RUN mkdir /data && chown node:node /data
# By number, so that an orchestrator sees that it is not root: the image's own user node.
USER 1000:1000
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=30s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The relay drains for up to 10 s at SIGTERM.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--enable-source-maps", "dist/cli/bin.js"]
CMD ["serve"]
