// JSON values, moments and base64url are part of this library's signatures: whoever imports it has them.
@_exported public import GapuraFormats
