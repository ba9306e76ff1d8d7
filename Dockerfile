# The gateway: Sluice in OpenResty.
#
#   docker build -t sluice .
#   docker run -d --name sluice -p 8080:8080 -p 127.0.0.1:8081:8081 -v sluice:/var/lib/sluice sluice
#
# With another base image that has OpenResty at /usr/local/openresty:
#
#   docker build -t sluice --build-arg OPENRESTY_IMAGE=openresty/openresty:<tag> .

ARG OPENRESTY_IMAGE=openresty/openresty:1.29.2.4-1-bookworm
ARG NODE_IMAGE=node:20-bookworm-slim

FROM ${NODE_IMAGE} AS build
# "prebuilt" uses the present dist/ of `npm run build`, so that the build stage needs no npm.
ARG DIST=build
WORKDIR /sluice
COPY . .
RUN if [ "$DIST" != prebuilt ]; then npm run build; fi

FROM ${OPENRESTY_IMAGE}
# The initial upstreams.
ARG UPSTREAMS=docker/upstreams.json
COPY --from=build /sluice/dist/ /usr/local/openresty/site/lualib/
COPY docker/nginx.conf /usr/local/openresty/nginx/conf/nginx.conf
COPY ${UPSTREAMS} /etc/sluice/upstreams.json
COPY docker/entrypoint.sh docker/healthcheck.lua /opt/sluice/
# The copied files have the modes of the clone, which may allow its owner only. A new volume takes its owner
# from the folder here.
RUN chmod -R a+rX /usr/local/openresty/site/lualib/resty /usr/local/openresty/nginx/conf /etc/sluice /opt/sluice \
  && chmod a+x /opt/sluice/entrypoint.sh \
  && mkdir -p /var/lib/sluice && chown 10001:10001 /var/lib/sluice && chmod 700 /var/lib/sluice

ENV SLUICE_PORT=8080 \
    SLUICE_API_PORT=8081 \
    SLUICE_STATE_DIR=/var/lib/sluice \
    SLUICE_WORKERS=auto
VOLUME /var/lib/sluice
EXPOSE 8080 8081
USER 10001:10001
# nginx's graceful stop, which finishes requests in flight.
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 \
  CMD ["/usr/local/openresty/luajit/bin/luajit", "/opt/sluice/healthcheck.lua"]
ENTRYPOINT ["/opt/sluice/entrypoint.sh"]
CMD ["/usr/local/openresty/bin/openresty", "-g", "daemon off;"]
