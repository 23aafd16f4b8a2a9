using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Pimm.Core.Campaigns;

/// <summary>What somebody would approve: a campaign with every default written out. Two that say the same have the same hash.</summary>
/// <param name="Split">its customers are split: from then on it is never changed</param>
public sealed record CampaignDefinition(Campaign Campaign, CampaignFile File, bool Split)
{
    public string Json { get; } = File.ToJson();

    public byte[] Sha256 => SHA256.HashData(Encoding.UTF8.GetBytes(Json));

    /// <summary>The first 32 hexadecimal digits of the hash: what a change must name to be made.</summary>
    public string Tag => Convert.ToHexStringLower(Sha256.AsSpan(0, 16));

    /// <summary>Whether somebody who saw the other one saw this. An installation that knows more fields than it did writes the same definition with another hash.</summary>
    /// <param name="json">the other one, as it was stored</param>
    public bool IsSameAs(ReadOnlySpan<byte> sha256, string json) => sha256.SequenceEqual(Sha256) || Differences(CampaignFile.Parse(json, "The stored definition"), File).Count == 0;

    /// <summary>Names of the fields in which two descriptions differ, in the order of the file.</summary>
    public static IReadOnlyList<string> Differences(CampaignFile one, CampaignFile other)
    {
        var (first, second) = ((JsonObject)JsonNode.Parse(one.ToJson())!, (JsonObject)JsonNode.Parse(other.ToJson())!);
        return [.. first.Select(field => field.Key).Union(second.Select(field => field.Key), StringComparer.Ordinal).Where(name => !JsonNode.DeepEquals(first[name], second[name]))];
    }
}
