# escape=`

FROM mcr.example.test/windows/nanoserver:1809
SHELL ["cmd", "/S", "/C"]
COPY testfile.txt c:\
RUN dir c:\ `
    && echo done
ENV DIR="c:\new folder" TICK=a``b
WORKDIR c:\work
