from ubuntu:14.04
maintainer Someone <someone@example.test>

env PATH /opt/bin:$PATH
label description  two words

run apt-get update && \

    apt-get install -y \
# which ones
    thing
add http://example.test/a.tar.gz /tmp/
add ["a file", "/tmp/a file"]
onbuild copy . /app
onbuild run ["make", "-C", "/app"]
cmd exec thing
cmd exec other
