using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pimm.Core.Access;

/// <summary>Codes for whoever has lost the authenticator app; each is good once.</summary>
public static class RecoveryCodes
{
    public const int Count = 10;
    private const int Groups = 4;
    private const int GroupLength = 4;

    // Without the characters people mix up; 16 of 31 are 79 bits.
    private const string Alphabet = "abcdefghjkmnpqrstuvwxyz23456789";

    public static string[] Generate() => [.. Enumerable.Range(0, Count).Select(_ =>
        string.Join('-', Enumerable.Range(0, Groups).Select(_ => RandomNumberGenerator.GetString(Alphabet, GroupLength))))];

    // A slow hash protects what people can guess; nobody guesses 79 random bits.
    public static byte[] Hash(AppUser user, string code) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(user.Id.ToString(CultureInfo.InvariantCulture) + " " + Canonical(code)));

    public static bool LooksLikeOne(string text) => Canonical(text).Length == Groups * GroupLength;

    private static string Canonical(string code) => string.Concat(code.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();
}
