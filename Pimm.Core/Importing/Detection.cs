using System.Security.Cryptography;
using System.Text;

namespace Pimm.Core.Importing;

/// <summary>A column as the first rows of its file show it.</summary>
/// <param name="Type">"number" or "text", of the rows looked at; the whole file is checked before an import</param>
/// <param name="MissingShare">of empty fields among the rows looked at, 0 to 1</param>
/// <param name="Role">proposed, as <see cref="ColumnRole"/> writes it</param>
public sealed record DetectedColumn(string Name, string Type, double MissingShare, string Role);

/// <summary>What a file is, told from its bytes: the first rows, never its name.</summary>
/// <param name="Sample">the first rows, field by field; what could name a person is masked</param>
/// <param name="SampledRows">rows that types and shares rest on</param>
/// <param name="Fingerprint">SHA-256 of the header's normalised names, in hexadecimal: saved mappings are found by it</param>
/// <param name="Proposed">a mapping by the columns' names and values, for a person to correct</param>
/// <param name="Template">name of the saved mapping that <paramref name="Proposed"/> is; null: none of this header</param>
/// <param name="Questions">what only a person can say: one sentence each</param>
public sealed record Detection(
    string FileName, string Kind, string Encoding, char Delimiter, bool Packed, IReadOnlyList<DetectedColumn> Columns, IReadOnlyList<IReadOnlyList<string>> Sample,
    long SampledRows, string Fingerprint, ImportMapping Proposed, string? Template, IReadOnlyList<string> Questions)
{
    /// <summary>RFC 4180's, the only one that is read.</summary>
    public char Quote => '"';

    /// <summary>The same header in other letter case, spaces or order of words' separators is the same header.</summary>
    public static byte[] FingerprintOf(IReadOnlyList<string> names) =>
        SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', names.Select(Normalised))));

    /// <summary>Letters and digits alone, in lower case.</summary>
    internal static string Normalised(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var letter in name.Normalize(NormalizationForm.FormKC))
        {
            if (char.IsLetterOrDigit(letter))
            {
                text.Append(char.ToLowerInvariant(letter));
            }
        }
        return text.ToString();
    }
}
