using System.Security.Cryptography;
using System.Text;

namespace Pimm.Core.Access;

/// <summary>A program's way into the HTTP API, as it is stored: without its secret.</summary>
/// <param name="Prefix">8 letters and digits that name the key and are no secret</param>
/// <param name="LastUsedAt">null before the first request; exact to a minute</param>
public sealed record ApiKey(
    long Id, string Name, string Prefix, byte[] SecretSha256, string[] Scopes, string CreatedBy, DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt, DateTimeOffset? LastUsedAt, DateTimeOffset? RevokedAt, string? RevokedBy)
{
    /// <summary>"usable", "expired" or "revoked".</summary>
    public string StateAt(DateTimeOffset instant) => RevokedAt is not null ? "revoked" : instant >= ExpiresAt ? "expired" : "usable";

    public bool Fits(ApiKeyText given) => CryptographicOperations.FixedTimeEquals(SecretSha256, given.SecretSha256());
}

/// <summary>A key that was made now; its text is shown once and stored nowhere.</summary>
public sealed record GeneratedKey(ApiKey Key, string Text);

/// <summary>The text of a key: pimm_PREFIX_SECRET.</summary>
/// <param name="Prefix">8 letters and digits</param>
/// <param name="Secret">32 random bytes as 43 characters of base64url</param>
public sealed record ApiKeyText(string Prefix, string Secret)
{
    private const string Start = "pimm_";
    private const string Alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    private const int PrefixLength = 8;
    private const int SecretBytes = 32;
    private const int SecretLength = 43;
    private const int SecretAt = 14;

    public static ApiKeyText Generate() =>
        new(RandomNumberGenerator.GetString(Alphabet, PrefixLength), System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes)));

    /// <summary>Null where the text has not the form of a key.</summary>
    public static ApiKeyText? Parse(string text) =>
        text.Length == SecretAt + SecretLength && text.StartsWith(Start, StringComparison.Ordinal) && text[SecretAt - 1] == '_'
        && text.AsSpan(Start.Length, PrefixLength).IndexOfAnyExcept(LettersAndDigits) < 0
            ? new ApiKeyText(text.Substring(Start.Length, PrefixLength), text[SecretAt..])
            : null;

    // A slow hash protects what people can guess; nobody guesses 256 random bits, and every request pays for the hash.
    public byte[] SecretSha256() => SHA256.HashData(Encoding.UTF8.GetBytes(Secret));

    public override string ToString() => $"{Start}{Prefix}_{Secret}";

    private static readonly System.Buffers.SearchValues<char> LettersAndDigits =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
}
