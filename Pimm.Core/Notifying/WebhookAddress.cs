using System.Net;
using System.Net.Sockets;

namespace Pimm.Core.Notifying;

/// <summary>
/// Which addresses may be told. Whoever adds a webhook makes our workers connect to a place of their choice, so that place must not be
/// in our own network: checked by name when it is added and by number whenever it is connected to.
/// </summary>
public static class WebhookAddress
{
    // What no public host has: private, loopback, link-local (clouds answer secrets there), shared, multicast, documentation, reserved,
    // and the forms of version 6 that carry an address of version 4, which would be a way round.
    private static readonly IPNetwork[] NotPublic = [.. new[]
    {
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    }.Select(network => IPNetwork.Parse(network))];

    /// <exception cref="InputException">no address that may be told</exception>
    public static Uri Parse(string text, NotifyingOptions options)
    {
        if (text.Length > 2_000 || text.Any(char.IsControl) || !Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http"))
            throw new InputException("The webhook's address cannot be used: write it as https://host/path, of at most 2000 characters.");
        if (url.UserInfo.Length > 0 || url.Fragment.Length > 0)
            throw new InputException($"The webhook's address {url.Host} has a user or a fragment: leave both out, requests are signed instead.");
        if (url.Scheme == "http" && !MayBePlain(url, options))
            throw new InputException($"The webhook's address begins with http: use https, or add {url.Authority} to the setting Notifying:AllowHttp.");
        if (IPAddress.TryParse(url.DnsSafeHost, out var number) && !IsAllowed(number, options))
            throw new InputException($"The webhook's address {number} is none of the public Internet: use another one, or add its network to the setting Notifying:AllowNetworks.");
        return url;
    }

    /// <summary>Also at every connection: the setting may have changed since the webhook was added.</summary>
    public static bool MayBePlain(Uri url, NotifyingOptions options) =>
        options.AllowHttp.Any(host => string.Equals(host, url.Host, StringComparison.OrdinalIgnoreCase) || string.Equals(host, url.Authority, StringComparison.OrdinalIgnoreCase));

    public static bool IsAllowed(IPAddress address, NotifyingOptions options)
    {
        var number = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (number.AddressFamily == AddressFamily.InterNetworkV6)
            number = new IPAddress(number.GetAddressBytes());
        return !NotPublic.Any(network => network.Contains(number)) || options.AllowNetworks.Any(network => IPNetwork.Parse(network).Contains(number));
    }
}
