using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pimm.Core.Access;

/// <summary>Codes of an authenticator app by RFC 6238: HMAC-SHA-1, 30 seconds, 6 digits.</summary>
public static class TimeCodes
{
    public const int Digits = 6;
    public const int KeyBytes = 20;
    private const int Modulus = 1_000_000;
    private const int StepSeconds = 30;

    // A phone's clock may be half a minute wrong.
    private const int Slack = 1;

    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static long StepAt(DateTimeOffset instant) => instant.ToUnixTimeSeconds() / StepSeconds;

    /// <summary>The code of a step, with leading zeros.</summary>
    public static string Of(ReadOnlySpan<byte> key, long step)
    {
        Span<byte> counter = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        Span<byte> hash = stackalloc byte[HMACSHA1.HashSizeInBytes];
        HMACSHA1.HashData(key, counter, hash);
        var number = BinaryPrimitives.ReadInt32BigEndian(hash[(hash[^1] & 0xf)..]) & 0x7fff_ffff;
        return (number % Modulus).ToString("D6", CultureInfo.InvariantCulture);
    }

    /// <summary>The step that a code belongs to, the newest first; null: it is none of now.</summary>
    public static long? StepOf(string code, ReadOnlySpan<byte> key, DateTimeOffset instant)
    {
        var (given, now) = (Encoding.UTF8.GetBytes(code), StepAt(instant));
        for (var step = now + Slack; step >= now - Slack; step--)
        {
            if (CryptographicOperations.FixedTimeEquals(given, Encoding.UTF8.GetBytes(Of(key, step))))
            {
                return step;
            }
        }
        return null;
    }

    /// <summary>A key as apps take it typed: base32 without padding. 20 bytes are 32 characters.</summary>
    public static string KeyText(ReadOnlySpan<byte> key)
    {
        var text = new StringBuilder();
        var (buffer, bits) = (0, 0);
        foreach (var one in key)
        {
            (buffer, bits) = (((buffer << 8) | one) & 0xffff, bits + 8);
            for (; bits >= 5; bits -= 5)
            {
                text.Append(Alphabet[(buffer >> (bits - 5)) & 31]);
            }
        }
        return bits == 0 ? text.ToString() : text.Append(Alphabet[(buffer << (5 - bits)) & 31]).ToString();
    }

    /// <summary>The bytes behind <see cref="KeyText"/>.</summary>
    public static byte[] KeyOf(string text)
    {
        var key = new List<byte>();
        var (buffer, bits) = (0, 0);
        foreach (var character in text)
        {
            (buffer, bits) = (((buffer << 5) | Alphabet.IndexOf(character, StringComparison.Ordinal)) & 0xfff, bits + 5);
            if (bits >= 8)
            {
                bits -= 8;
                key.Add((byte)((buffer >> bits) & 0xff));
            }
        }
        return [.. key];
    }
}
