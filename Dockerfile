# The demonstration on a CPU:
#
#     docker build -t special .
#     docker run --rm special
#
# A scene of your own, in the working directory:
#
#     docker run --rm -v "$PWD:/scene" special label scene.hdr --classes classes.txt --clip none

FROM python:3.12-slim

# Torch for CPUs, a tenth of the build that a plain installation brings.
RUN pip install --no-cache-dir torch --index-url https://download.pytorch.org/whl/cpu

COPY . /opt/special
RUN pip install --no-cache-dir /opt/special && rm -rf /opt/special

# Nobody in particular: what is written into /scene belongs to the user whom --user names.
RUN useradd --create-home special && mkdir /scene && chown special /scene
USER special
WORKDIR /scene
ENV NUMBA_CACHE_DIR=/tmp/numba

ENTRYPOINT ["special"]
CMD ["demo"]
