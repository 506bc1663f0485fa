"""Buckets of S3, Google and Azure, by `obstore`.

Small things are created by a conditional put, which the service refuses when the name is taken. What is
larger than `SMALL` goes in parts, which cannot be conditional everywhere: it is looked whether the name is
taken, and in the meantime only somebody with the same content can have taken it, as what is that large is
named by its digest.

Of the environment's variables the library reads those of credentials and endpoints itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import AzureStore, GCSStore, S3Store

from xt.context import Outside
from xt.errors import RemoteError, WrongContentError
from xt.store.remote import Entry
from xt.store.remote.address import Address
from xt.store.remote.aws_profile import Profile
from xt.store.remote.cloud_words import said
from xt.store.remote.patience import patience

#: Bytes put at once, from memory, by each thread.
SMALL = 16 << 20
#: Parts sent at a time by each thread; a service takes at most 10,000.
PARTS, MOST_PARTS = 2, 9000
#: Bytes asked for at a time, so that a request is over in time whatever the size of the whole.
WINDOW = 8 << 20
RETRIES = 4
#: Names the library lists at a time; services give a thousand.
PAGE = 1000
#: The name whose second creation is tried where it is not known whether one is refused.
TRIED = "probe/exclusive"
#: In the library's text when a gateway does not give parts of a thing.
NO_WINDOWS = "Received non-partial response"
#: Variables that name an endpoint, the strongest first.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")

T = TypeVar("T")


class CloudPlace:
    """A bucket, or a folder of it."""

    def __init__(self, make: Callable[[float], Any], address: Address, seconds: float) -> None:
        """Say what it is; nothing is connected yet.

        Args:
            make: makes the library's store, whose requests may take so many seconds.
            address: for messages.
            seconds: a request may take.
        """
        self.url = address.shown
        self.exclusive: bool | None = None
        self._scheme = address.scheme
        self._make, self._seconds = make, seconds
        self._store = make(seconds)
        self._trying = threading.Lock()
        self._genuine = False

    def entries(self, prefix: str) -> Iterator[Entry]:
        """See `Remote`."""
        self._see_that_it_is_one()
        pages = self._do(lambda: iter(obstore.list(self._store, prefix or None, chunk_size=PAGE)), prefix)
        while (page := self._do(lambda: next(pages, None), prefix)) is not None:
            for one in page:
                yield Entry(one["path"], one["size"])

    def size(self, name: str) -> int | None:
        """See `Remote`."""
        self._see_that_it_is_one()
        return self._size(name)

    def _size(self, name: str) -> int | None:
        try:
            meta = self._do(lambda: obstore.head(self._store, name), name)
        except FileNotFoundError:
            return None
        self._check(meta, name)
        return int(meta["size"])

    def read(self, name: str, limit: int) -> bytes:
        """See `Remote`."""
        found, _ = self._get(name, limit)
        return b"".join(self._stream(found, name, limit))

    def fetch(self, name: str, target: BinaryIO, limit: int) -> int:
        """See `Remote`."""
        found, size = self._get(name, limit)
        if size <= WINDOW:
            return self._copy(found, name, target, size)
        del found  # ends its request
        for start in range(0, size, WINDOW):
            end = min(start + WINDOW, size)
            try:
                found = self._do(
                    partial(obstore.get, self._store, name, options={"range": (start, end)}), name
                )
            except RemoteError as error:
                if start or NO_WINDOWS not in str(error.__cause__):
                    raise
                # Some gateways give a thing whole or not at all; that may take as long as the windows would.
                whole = self._make(self._seconds * (size // WINDOW + 1))
                return self._copy(self._do(partial(obstore.get, whole, name), name), name, target, size)
            self._copy(found, name, target, end - start)
        return size

    def _copy(self, found: Any, name: str, target: BinaryIO, size: int) -> int:
        done = 0
        for piece in self._stream(found, name, size):
            target.write(piece)
            done += len(piece)
        if done != size:
            raise RemoteError(f"`{self.url}`: `{name}` is shorter than it says", "the same command goes on")
        return done

    def _get(self, name: str, limit: int) -> tuple[Any, int]:
        self._see_that_it_is_one()
        found = self._do(lambda: obstore.get(self._store, name), name)
        self._check(found.meta, name)
        size = int(found.meta["size"])
        if size > limit:
            raise WrongContentError(
                f"`{self.url}`: `{name}` has {size} bytes, more than the {limit} it may have"
            )
        return found, size

    def _stream(self, found: Any, name: str, most: int) -> Iterator[bytes]:
        """Bytes as they come, and not more than there should be."""
        pieces = self._do(lambda: iter(found.stream(min_chunk_size=1 << 20)), name)
        while (piece := self._do(lambda: next(pieces, None), name)) is not None:
            data = bytes(piece)
            most -= len(data)
            if most < 0:
                raise RemoteError(f"`{self.url}`: `{name}` is longer than it says")
            yield data

    def create(self, name: str, source: bytes | str) -> bool:
        """See `Remote`."""
        self._see_that_it_is_one()
        with self._trying:
            if self.exclusive is None:
                # Taken already by an earlier try, or by this one: either way a second is refused, or not.
                self.exclusive = not (self._put(TRIED, b"xt\n") and self._put(TRIED, b"xt\n"))
        size = len(source) if isinstance(source, bytes) else os.stat(source).st_size
        if isinstance(source, str) and size > SMALL:
            return self._size(name) is None and self._send(name, source, size)
        if not self.exclusive and self._size(name) is not None:
            return False
        return self._put(name, source if isinstance(source, bytes) else Path(source).read_bytes())

    def _put(self, name: str, data: bytes) -> bool:
        try:
            self._do(lambda: obstore.put(self._store, name, data, mode="create", use_multipart=False), name)
        except FileExistsError:
            return False
        return True

    def _send(self, name: str, path: str, size: int) -> bool:
        part = max(SMALL, size // MOST_PARTS)
        self._do(
            lambda: obstore.put(
                self._store, name, Path(path), use_multipart=True, chunk_size=part, max_concurrency=PARTS
            ),
            name,
        )
        return True

    def close(self) -> None:
        """See `Remote`."""

    def _see_that_it_is_one(self) -> None:
        """Ask once for a name that nobody has: a page to log in, or a wrong address, has an answer to all.

        Otherwise its answer to a listing would be taken for an empty one.
        """
        if self._genuine:
            return
        try:
            obstore.head(self._store, f"probe/{os.urandom(12).hex()}")
        except (FileNotFoundError, PermissionDeniedError, UnauthenticatedError):
            # Without the permission to list, S3 refuses to say that something is not there.
            self._genuine = True
        except (BaseError, ValueError, PermissionError) as error:
            raise said(error, self._scheme, self.url, "") from error
        else:
            raise self._not_one()

    def _check(self, meta: Mapping[str, Any], name: str) -> None:
        if not meta.get("e_tag"):
            raise self._not_one()

    def _not_one(self) -> RemoteError:
        return RemoteError(
            f"what answers for `{self.url}` is no such store: it has an answer to everything",
            "a page to log in, or a wrong endpoint, is the usual cause",
        )

    def _do(self, act: Callable[[], T], name: str) -> T:
        """Do something, and say what went wrong in words of ours.

        Raises:
            FileExistsError: the name is taken.
            FileNotFoundError: there is nothing of that name, in a bucket that is there.
            RemoteError: all else.
        """
        try:
            return act()
        except (AlreadyExistsError, PreconditionError) as error:
            raise FileExistsError(name) from error
        except FileNotFoundError as error:
            worded = said(error, self._scheme, self.url, "")
            if "no such bucket" in worded.message:
                raise worded from error
            raise FileNotFoundError(name) from error
        except (BaseError, ValueError, PermissionError) as error:
            raise said(error, self._scheme, self.url, name) from error


def connect(address: Address, outside: Outside) -> CloudPlace:
    """Open a bucket; the first thing that is asked of it connects.

    Raises:
        RemoteError: credentials cannot be had, or a setting makes no sense.
    """
    environ = outside.environ
    kind, options, plain = _sort(address.scheme, environ)

    def make(seconds: float) -> Any:
        client: dict[str, Any] = {
            "timeout": timedelta(seconds=seconds),
            "connect_timeout": timedelta(seconds=min(20, seconds)),
            "allow_http": plain,
        }
        retry = {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=min(60, seconds))}
        prefix = address.path or None
        return kind(address.host, prefix=prefix, client_options=client, retry_config=retry, **options)

    try:
        return CloudPlace(make, address, patience(environ))
    except (BaseError, ValueError) as error:
        raise said(error, address.scheme, address.shown, "") from error


def _sort(scheme: str, environ: Mapping[str, str]) -> tuple[Any, dict[str, Any], bool]:
    """Which store of the library it is, its options, and whether the user named an endpoint without TLS."""
    if scheme == "gs":
        return GCSStore, {}, False
    if scheme == "az":
        emulator = environ.get("AZURE_STORAGE_USE_EMULATOR", "").lower() in ("true", "1")
        return AzureStore, {}, emulator or _is_plain(environ.get("AZURE_STORAGE_ENDPOINT"))
    options = _of_aws(environ)
    endpoint = next(filter(None, map(environ.get, _ENDPOINTS)), options.get("endpoint"))
    return S3Store, options, _is_plain(endpoint)


def _is_plain(endpoint: str | None) -> bool:
    return endpoint is not None and endpoint.startswith("http://")


def _of_aws(environ: Mapping[str, str]) -> dict[str, Any]:
    """What the profile says and no variable does."""
    profile = Profile(environ)
    options: dict[str, Any] = dict(profile.keys)
    if profile.endpoint and not any(map(environ.get, _ENDPOINTS)):
        options["endpoint"] = profile.endpoint
    if profile.region and not (environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")):
        options["region"] = profile.region
    if profile.way is not None:
        try:
            from boto3 import Session
            from obstore.auth.boto3 import Boto3CredentialProvider

            options["credential_provider"] = Boto3CredentialProvider(Session(profile_name=profile.name))
        except ImportError:
            raise RemoteError(
                f"the profile `{profile.name}` of AWS has its keys by `{profile.way}`, which needs `boto3`",
                f'`pip install boto3`, or: eval "$(aws configure export-credentials --profile {profile.name}'
                ' --format env)"',
            ) from None
    return options
