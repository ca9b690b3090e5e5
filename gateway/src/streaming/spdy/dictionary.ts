/** Words of the header compression dictionary that stand with a 32-bit length before them, in their order. */
const countedWords = [
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow",
  "authorization cache-control connection content-base content-encoding content-language content-length",
  "content-location content-md5 content-range content-type date etag expect expires from host if-match",
  "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma",
  "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade",
  "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie",
  "keep-alive origin",
];

/** What follows them, without lengths. */
const plainText = [
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505",
  "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized",
  "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable",
  "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT",
  "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,",
  "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.",
];

/** Adler-32 of the dictionary: the DICTID with which each zlib stream of headers starts (RFC 1950 §2.2). */
export const headerDictionaryId = 0xe3c6a7c2;

/** The 1,423 bytes that both sides' header compressors start from (draft-mbelshe-httpbis-spdy-00 §2.6.10.1). */
export const headerDictionary: Uint8Array = buildHeaderDictionary();

function buildHeaderDictionary(): Uint8Array {
  const words = countedWords.join(" ").split(" ");
  const counted = words.map((word) => {
    const text = Buffer.from(word.replace("_", " "), "latin1");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, text]);
  });
  return Buffer.concat([...counted, Buffer.from(plainText.join(""), "latin1")]);
}
