"""Object stores on loopback, written from their public references: S3, Google Cloud Storage and Azure Blob Storage.

They check every signature themselves and give their listings page by page. Python's standard library only.
"""

import base64
import datetime
import hashlib
import hmac
import http.server
import json
import re
import threading
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from loopback_recorder import Recorder

PAGE = 2


def sha256_hex(data):
    return hashlib.sha256(data).hexdigest()


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Refusal(Exception):
    def __init__(self, status, code, message="", headers=()):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers)


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.body = method, body
        self.headers = {name.lower(): value for name, value in headers.items()}
        url = urlsplit(target)
        self.path, self.query_text = url.path, url.query
        self.query = dict(parse_qsl(url.query, keep_blank_values=True))


class FakeStore:
    """Objects by their keys. `fault`, if set, sees each request first and may raise a Refusal or answer bytes."""

    container = "backups"

    def __init__(self):
        self.objects = {}
        self.requests = []
        self.fault = None
        self.checksums = True
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def body(self):
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def do_GET(self):
                request = Request(self.command, self.path, dict(self.headers), self.body())
                store.requests.append(request)
                try:
                    answer = store.answer(request)
                    status, headers = 200, store.headers_of(request, answer)
                except Refusal as refusal:
                    status, headers, answer = refusal.status, refusal.headers, store.refusal_text(request, refusal).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_PUT = do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def count(self, method):
        return sum(request.method == method for request in self.requests)

    def answer(self, request):
        self.authorize(request)
        if self.fault:
            answer = self.fault(request)
            if answer is not None:
                return answer
        key = self.key_of(request)
        if request.method == "PUT":
            self.check_put(request)
            self.objects[key] = request.body
            return b""
        if key is None:
            return self.listing(request).encode()
        if key not in self.objects:
            raise Refusal(404, self.NO_OBJECT)
        return self.objects[key]

    def headers_of(self, request, answer):
        return {}

    def refusal_text(self, request, refusal):
        return (f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{refusal.code}</Code>'
                f"<Message>{escape(refusal.message)}</Message></Error>")

    def key_of(self, request):
        """The key; None for the container itself."""
        parts = unquote(request.path).split("/", 2 + self.PARTS_BEFORE)
        if parts[1 + self.PARTS_BEFORE] != self.container:
            raise Refusal(404, self.NO_CONTAINER, "The specified one does not exist.")
        return parts[2 + self.PARTS_BEFORE] if len(parts) > 2 + self.PARTS_BEFORE else None

    def check_put(self, request):
        md5 = base64.b64encode(hashlib.md5(request.body).digest()).decode()
        if request.headers["content-md5"] != md5:
            raise Refusal(400, "BadDigest")
        if request.headers["content-type"] != "application/gzip" or "content-encoding" in request.headers:
            raise Refusal(400, "InvalidArgument")

    def page(self, prefix, start):
        """(objects of this page, where the next one begins or None)"""
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > start)
        return [(key, self.objects[key]) for key in keys[:PAGE]], keys[PAGE - 1] if len(keys) > PAGE else None


class S3Store(FakeStore):
    """ListObjectsV2, GetObject, PutObject with path-style addresses and Signature Version 4."""

    PARTS_BEFORE = 0
    NO_OBJECT, NO_CONTAINER = "NoSuchKey", "NoSuchBucket"
    KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "to/ken=="
    REGION = "eu-west-1"

    def environment(self):
        return {"AWS_ACCESS_KEY_ID": self.KEY, "AWS_SECRET_ACCESS_KEY": self.SECRET, "AWS_SESSION_TOKEN": self.TOKEN or ""}

    def arguments(self):
        return (f"s3://{self.container}/fore warm/a+b", "--endpoint-url", self.url, "--region", self.REGION)

    def authorize(self, request):
        headers = request.headers
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        if scheme != "AWS4-HMAC-SHA256":
            raise Refusal(403, "AccessDenied", "Anonymous access is forbidden.")
        fields = dict(field.strip().split("=", 1) for field in rest.split(","))
        key, date, region, service, end = fields["Credential"].split("/")
        if key != self.KEY or headers.get("x-amz-security-token") != self.TOKEN:
            raise Refusal(403, "InvalidAccessKeyId")
        if region != self.REGION:
            raise Refusal(400, "AuthorizationHeaderMalformed", f"The region '{region}' is wrong; expecting '{self.REGION}'")
        sent = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        if abs((datetime.datetime.now(datetime.timezone.utc) - sent).total_seconds()) > 900:
            raise Refusal(403, "RequestTimeTooSkewed")
        signed = fields["SignedHeaders"].split(";")
        wanted = {"host", "x-amz-date", "x-amz-content-sha256"} | ({"x-amz-security-token"} if self.TOKEN else set())
        if not wanted <= set(signed) or headers["x-amz-content-sha256"] != sha256_hex(request.body):
            raise Refusal(400, "XAmzContentSHA256Mismatch")
        query = "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
                                for name, value in parse_qsl(request.query_text, keep_blank_values=True)))
        canonical = "\n".join([request.method, quote(unquote(request.path), safe="/-_.~"), query,
                               *(f"{name}:{headers[name].strip()}" for name in sorted(signed)), "", ";".join(sorted(signed)),
                               sha256_hex(request.body)])
        scope = f"{date}/{region}/{service}/{end}"
        text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256_hex(canonical.encode())])
        signing = ("AWS4" + self.SECRET).encode()
        for part in (date, region, "s3", "aws4_request"):
            signing = mac(signing, part)
        if fields["Signature"] != mac(signing, text).hex():
            raise Refusal(403, "SignatureDoesNotMatch", "The request signature does not match.")

    def listing(self, request):
        if request.query.get("list-type") != "2":
            raise Refusal(400, "InvalidArgument")
        token = request.query.get("continuation-token", "")
        start = base64.b64decode(token).decode() if token else ""
        objects, following = self.page(request.query["prefix"], start)
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;{hashlib.md5(data if self.checksums else data[::-1]).hexdigest()}&quot;</ETag><Size>{len(data)}</Size></Contents>"
            for key, data in objects)
        more = (f"<IsTruncated>true</IsTruncated><NextContinuationToken>{base64.b64encode(following.encode()).decode()}"
                "</NextContinuationToken>") if following else "<IsTruncated>false</IsTruncated>"
        return ('<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>{self.container}</Name>{more}{contents}</ListBucketResult>")


class GoogleStore(S3Store):
    """Google's XML API, with an HMAC key."""

    KEY, SECRET, TOKEN, REGION = "GOOG1EXAMPLE", "bGoa+V7g/yqDXvKRqq+JTFn4uQZbPiQJo4pf9RzJ", None, "auto"

    def environment(self):
        return {"GOOGLE_HMAC_ACCESS_KEY": self.KEY, "GOOGLE_HMAC_SECRET": self.SECRET}

    def arguments(self):
        return (f"gs://{self.container}/forewarm", "--endpoint-url", self.url)


class GoogleTokenStore(GoogleStore):
    """The same with an OAuth token."""

    def environment(self):
        return {"GOOGLE_OAUTH_TOKEN": "ya29.example"}

    def authorize(self, request):
        if request.headers.get("authorization") != "Bearer ya29.example":
            raise Refusal(401, "AuthenticationRequired")


class GoogleBothStore(GoogleTokenStore):
    """The same objects by the JSON API too, which Google's own client speaks: insert, list, get and download."""

    OBJECTS = "/storage/v1/b/backups/o"

    @staticmethod
    def is_json(request):
        return request.path.startswith(("/storage/v1/", "/upload/storage/v1/"))

    def answer(self, request):
        if not self.is_json(request):
            return super().answer(request)
        self.authorize(request)
        if (request.method, request.path) == ("POST", "/upload" + self.OBJECTS) and request.query["uploadType"] == "multipart":
            described, content = self.parts_of(request)
            self.objects[request.query["name"]] = content[1]
            return json.dumps(self.resource(request.query["name"]) | json.loads(described[1])).encode()
        if (request.method, request.path) == ("GET", self.OBJECTS):
            objects, following = self.page(request.query["prefix"], request.query.get("pageToken", ""))
            return json.dumps({"kind": "storage#objects", "items": [self.resource(key) for key, _ in objects]} |
                              ({"nextPageToken": following} if following else {})).encode()
        key = unquote(request.path.removeprefix(self.OBJECTS + "/"))
        if request.method != "GET" or key not in self.objects:
            raise Refusal(404, "notFound", f"No such object: {request.path}")
        return self.objects[key] if request.query.get("alt") == "media" else json.dumps(self.resource(key)).encode()

    @staticmethod
    def parts_of(request):
        """(headers, content) of each part of a multipart upload."""
        boundary = re.search("boundary=(\\S+)", request.headers["content-type"])[1].encode()
        parts = (b"\r\n" + request.body).split(b"\r\n--" + boundary)[1:-1]
        return [(head.decode().strip(), content) for head, _, content in (part.partition(b"\r\n\r\n") for part in parts)]

    def resource(self, key):
        data = self.objects[key]
        return {"kind": "storage#object", "bucket": self.container, "name": key, "size": str(len(data)), "generation": "1",
                "md5Hash": base64.b64encode(hashlib.md5(data).digest()).decode()}

    def headers_of(self, request, answer):
        if not self.is_json(request):
            return {}
        if request.query.get("alt") == "media":
            return {"x-goog-hash": "md5=" + base64.b64encode(hashlib.md5(answer).digest()).decode()}
        return {"Content-Type": "application/json; charset=UTF-8"}

    def refusal_text(self, request, refusal):
        if not self.is_json(request):
            return super().refusal_text(request, refusal)
        return json.dumps({"error": {"code": refusal.status, "message": refusal.message or refusal.code,
                                     "errors": [{"reason": refusal.code, "message": refusal.message or refusal.code}]}})


class AzureStore(FakeStore):
    """List Blobs, Get Blob, Put Blob as an emulator has them, with Shared Key."""

    PARTS_BEFORE = 1
    NO_OBJECT, NO_CONTAINER = "BlobNotFound", "ContainerNotFound"
    ACCOUNT = "myaccount"
    KEY = base64.b64encode(bytes(range(64))).decode()

    def environment(self):
        return {"AZURE_STORAGE_KEY": self.KEY}

    def arguments(self):
        return (f"azblob://{self.ACCOUNT}/{self.container}/fore warm", "--endpoint-url", self.url)

    def authorize(self, request):
        headers = request.headers
        datetime.datetime.strptime(headers.get("x-ms-date", ""), "%a, %d %b %Y %H:%M:%S GMT")
        length = headers.get("content-length", "")
        standard = ["content-encoding", "content-language", None, "content-md5", "content-type", "date", "if-modified-since",
                    "if-match", "if-none-match", "if-unmodified-since", "range"]
        lines = [request.method] + [("" if length == "0" else length) if name is None else headers.get(name, "") for name in standard]
        lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
        lines.append(f"/{self.ACCOUNT}{request.path}")
        lines += [f"{name.lower()}:{value}" for name, value in sorted(request.query.items())]
        signature = base64.b64encode(mac(base64.b64decode(self.KEY), "\n".join(lines))).decode()
        if headers.get("authorization") != f"SharedKey {self.ACCOUNT}:{signature}":
            raise Refusal(403, "AuthenticationFailed", "Server failed to authenticate the request.\nRequestId:1")

    def check_put(self, request):
        super().check_put(request)
        if request.headers.get("x-ms-blob-type") != "BlockBlob":
            raise Refusal(400, "MissingRequiredHeader")

    def listing(self, request):
        if (request.query.get("restype"), request.query.get("comp")) != ("container", "list"):
            raise Refusal(400, "InvalidQueryParameterValue")
        marker = request.query.get("marker", "")
        objects, following = self.page(request.query["prefix"], base64.b64decode(marker).decode() if marker else "")
        blobs = "".join(
            f"<Blob><Name>{escape(key)}</Name><Properties><Etag>0x8D</Etag><Content-Length>{len(data)}</Content-Length><Content-MD5>"
            + (base64.b64encode(hashlib.md5(data).digest()).decode() if self.checksums else "")
            + "</Content-MD5><BlobType>BlockBlob</BlobType></Properties></Blob>" for key, data in objects)
        after = f"<NextMarker>{base64.b64encode(following.encode()).decode()}</NextMarker>" if following else "<NextMarker />"
        return ('\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="c">'
                f"<Blobs>{blobs}</Blobs>{after}</EnumerationResults>")


class AzureSasStore(AzureStore):
    """The same with a shared access signature."""

    def environment(self):
        return {"AZURE_STORAGE_SAS_TOKEN": "?sv=2020-08-04&ss=b&sp=rwl&sig=abc%2Bd%2F%3D"}

    def authorize(self, request):
        if (request.query.get("sig"), request.query.get("sp")) != ("abc+d/=", "rwl") or "authorization" in request.headers:
            raise Refusal(403, "AuthenticationFailed")


class IssuedTokens:
    """Where a store's tokens are had: `tokens` counts them, and only the newest is taken. `taken` False: none is."""

    REFUSAL = 401, "InvalidToken", "The token has expired."

    def __init__(self):
        super().__init__()
        self.tokens = 0
        self.taken = True
        self.issuer = Recorder(lambda request: (200, json.dumps(self.issued())))

    def token(self):
        return f"issued{self.tokens}"

    def issued(self):
        self.tokens += 1
        return {"access_token": self.token(), "expires_in": 3600}

    def run_out(self):
        """What was issued until now is not taken any more."""
        self.tokens += 1

    def close(self):
        super().close()
        self.issuer.close()


class GoogleMetadataStore(IssuedTokens, GoogleStore):
    """With application default credentials: this machine's metadata server has them."""

    def environment(self):
        return {"GOOGLE_APPLICATION_CREDENTIALS": "", "GCE_METADATA_HOST": self.issuer.address}

    def authorize(self, request):
        if not self.taken or request.headers.get("authorization") != "Bearer " + self.token():
            raise Refusal(*self.REFUSAL)


class AzureEntraStore(IssuedTokens, AzureStore):
    """With tokens of Entra ID for a client's secret."""

    def environment(self):
        return {"AZURE_CLIENT_ID": "client-4711", "AZURE_TENANT_ID": "tenant-4711", "AZURE_CLIENT_SECRET": "hidden",
                "AZURE_AUTHORITY_HOST": self.issuer.url}

    def authorize(self, request):
        datetime.datetime.strptime(request.headers.get("x-ms-date", ""), "%a, %d %b %Y %H:%M:%S GMT")
        # Tokens are taken from this version on (Azure Storage, "Authorize with Microsoft Entra ID").
        good = request.headers.get("x-ms-version", "") >= "2017-11-09" and self.taken
        if not good or request.headers.get("authorization") != "Bearer " + self.token():
            raise Refusal(*self.REFUSAL)


class S3ContainerStore(IssuedTokens, S3Store):
    """With the keys of a container's role, whose session token is replaced."""

    REFUSAL = 400, "ExpiredToken", "The provided token has expired."

    def environment(self):
        return {"AWS_ACCESS_KEY_ID": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.issuer.url + "/credentials"}

    def issued(self):
        self.tokens += 1
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        return {"AccessKeyId": self.KEY, "SecretAccessKey": self.SECRET, "Token": self.token(),
                "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def authorize(self, request):
        if not self.taken or request.headers.get("x-amz-security-token") != self.token():
            raise Refusal(*self.REFUSAL)
        self.TOKEN = self.token()
        super().authorize(request)
