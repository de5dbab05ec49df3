# The demonstration on a CPU:
#
#     docker build -t special .
#     docker run --rm special
#
# A scene of your own, in the working directory:
#
#     docker run --rm --user "$(id -u)" -v "$PWD:/scene" special label scene.hdr --classes classes.txt --clip none
#
# A plain installation of torch brings its CUDA build, which is large and runs on a CPU as well. PyTorch's own index of
# builds for CPUs makes the image a fraction of that: --build-arg PIP_EXTRA_INDEX_URL=ADDRESS.

FROM python:3.12-slim

# The wheels of rasterio bring GDAL, but not expat.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/*

ARG PIP_EXTRA_INDEX_URL
COPY . /opt/special
RUN pip install --no-cache-dir /opt/special && rm -rf /opt/special

# Nobody in particular, and a home that whoever --user names may write into as well: caches go there.
RUN useradd --create-home special && chmod 0777 /home/special && mkdir --mode=0777 /scene
USER special
WORKDIR /scene
ENV HOME=/home/special

ENTRYPOINT ["special"]
CMD ["demo"]
