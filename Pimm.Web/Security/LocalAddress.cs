namespace Pimm.Web.Security;

/// <summary>Where to go after signing in: a path of ours, never another site.</summary>
public static class LocalAddress
{
    public static string Or(string? address, string otherwise) =>
        address is ['/', not ('/' or '\\'), ..] && !address.Any(char.IsControl) ? address : otherwise;
}
