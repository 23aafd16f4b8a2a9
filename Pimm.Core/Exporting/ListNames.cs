using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pimm.Core.Campaigns;

namespace Pimm.Core.Exporting;

/// <summary>
/// Names that tell a channel nothing: aud_&lt;8 hexadecimal digits&gt;_&lt;a|b&gt;_&lt;day&gt;. Not c and t: who runs the channel should not see which
/// list is the control's.
/// </summary>
internal static class ListNames
{
    /// <summary>The list's name without its ending; the digits are of the campaign's salt and the channel.</summary>
    public static string Of(Campaign campaign, ChannelProfile profile, DateOnly date, int arm, int revision = 1) =>
        string.Create(CultureInfo.InvariantCulture, $"aud_{Digits(campaign.SaltFor($"list/{profile.Name}"), 8)}_{Group(arm)}_{date:yyyyMMdd}{(revision > 1 ? $"_r{revision}" : "")}");

    public static string Group(int arm) => arm == 0 ? "a" : "b";

    /// <summary>Tells salts apart without giving them away.</summary>
    public static string Fingerprint(string salt) => Digits(salt, 16);

    private static string Digits(string text, int digits) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..digits];
}
