using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pimm.Core.Notifying;

/// <summary>The symmetric scheme of Standard Webhooks 1.0: HMAC-SHA-256 of "id.timestamp.body".</summary>
public static class WebhookSignature
{
    public const string SecretPrefix = "whsec_";

    public static string SecretText(byte[] secret) => SecretPrefix + Convert.ToBase64String(secret);

    /// <summary>The webhook-signature header: of each secret one, with spaces between; a receiver knows one of them.</summary>
    public static string Of(IEnumerable<byte[]> secrets, string id, long timestamp, string body) => string.Join(' ', secrets.Select(secret => Of(secret, id, timestamp, body)));

    /// <summary>One signature: version and base64.</summary>
    /// <param name="timestamp">seconds since 1970, of this try</param>
    public static string Of(byte[] secret, string id, long timestamp, string body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.{body}"))));
}
