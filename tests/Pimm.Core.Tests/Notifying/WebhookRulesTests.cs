using System.Net;
using System.Text;
using Pimm.Core.Notifying;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Notifying;

public sealed class WebhookRulesTests
{
    // The vector of the reference implementations' own tests (standard-webhooks, and svix before it).
    [Fact]
    public void The_signature_is_that_of_the_published_vector() =>
        WebhookSignature.Of(Convert.FromBase64String("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}""")
            .ShouldBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");

    [Fact]
    public void The_secrets_text_is_its_prefix_and_base64() =>
        WebhookSignature.SecretText(Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef")).ShouldBe("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("172.15.255.255", true)]
    [InlineData("172.32.0.0", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.8.9.10", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("::127.0.0.1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2001:0:1::", false)]
    [InlineData("fd00::1", false)]
    [InlineData("fe80::1%1", false)]
    [InlineData("ff02::1", false)]
    public void Only_addresses_of_the_public_Internet_are_told(string address, bool allowed) =>
        WebhookAddress.IsAllowed(IPAddress.Parse(address), new NotifyingOptions()).ShouldBe(allowed);

    [Fact]
    public void A_network_of_this_house_is_told_where_the_settings_say_so()
    {
        var options = new NotifyingOptions { AllowNetworks = ["10.1.0.0/16", "::1/128"] };

        WebhookAddress.IsAllowed(IPAddress.Parse("10.1.200.3"), options).ShouldBeTrue();
        WebhookAddress.IsAllowed(IPAddress.Parse("::ffff:10.1.200.3"), options).ShouldBeTrue();
        WebhookAddress.IsAllowed(IPAddress.IPv6Loopback, options).ShouldBeTrue();
        WebhookAddress.IsAllowed(IPAddress.Parse("10.2.0.1"), options).ShouldBeFalse();
    }

    [Theory]
    [InlineData("https://hooks.example.com/pimm?a=b", null)]
    [InlineData("http://plain.example.com/", null)]
    [InlineData("http://port.example.com:8080/", null)]
    [InlineData("http://port.example.com/", "begins with http")]
    [InlineData("http://hooks.example.com/", "begins with http")]
    [InlineData("ftp://hooks.example.com/", "write it as https://host/path")]
    [InlineData("file:///etc/passwd", "write it as https://host/path")]
    [InlineData("hooks.example.com", "write it as https://host/path")]
    [InlineData("https://hooks.example.com/\r\nHost: x", "write it as https://host/path")]
    [InlineData("https://anna:secret@hooks.example.com/", "has a user or a fragment")]
    [InlineData("https://hooks.example.com/#x", "has a user or a fragment")]
    [InlineData("https://127.0.0.1/", "none of the public Internet")]
    [InlineData("https://2130706433/", "none of the public Internet")]
    [InlineData("https://0x7f.1/", "none of the public Internet")]
    [InlineData("https://[::1]/", "none of the public Internet")]
    [InlineData("https://[::ffff:169.254.169.254]/", "none of the public Internet")]
    public void An_address_that_may_not_be_told_is_refused_when_it_is_added(string url, string? reason)
    {
        var options = new NotifyingOptions { AllowHttp = ["plain.example.com", "port.example.com:8080"] };

        if (reason is null)
            WebhookAddress.Parse(url, options).AbsoluteUri.ShouldBe(url);
        else
            Should.Throw<InputException>(() => WebhookAddress.Parse(url, options)).Message.ShouldContain(reason);
    }

    [Fact]
    public void Tries_go_on_for_three_days_and_then_end()
    {
        var options = new NotifyingOptions().Validated();
        var pauses = Enumerable.Range(1, 10).Select(options.PauseAfter).ToList();

        pauses[..9].ShouldAllBe(pause => pause > TimeSpan.Zero);
        pauses[9].ShouldBeNull();
        pauses.Sum(pause => pause?.TotalHours ?? 0).ShouldBe(75.6, 0.1);
        pauses[..9].ShouldBeInOrder();
    }

    [Fact]
    public void Settings_out_of_their_ranges_are_refused()
    {
        Should.Throw<InputException>(() => new NotifyingOptions { Retries = [TimeSpan.FromSeconds(1), TimeSpan.Zero] }.Validated()).Message.ShouldContain("Notifying:Retries has 00:00:01, 00:00:00");
        Should.Throw<InputException>(() => new NotifyingOptions { AllowNetworks = ["10.0.0.0/33"] }.Validated()).Message.ShouldContain("Notifying:AllowNetworks has \"10.0.0.0/33\"");
        Should.Throw<InputException>(() => new NotifyingOptions { Timeout = TimeSpan.FromMinutes(2) }.Validated()).Message.ShouldContain("Notifying:Timeout");
    }

    [Fact]
    public void Events_are_known_and_each_once()
    {
        WebhookEvents.Validated(["model.promoted", " run.failed", "run.failed", ""]).ShouldBe(["run.failed", "model.promoted"]);
        Should.Throw<InputException>(() => WebhookEvents.Validated(["run.fail"])).Message.ShouldContain("There is no event \"run.fail\"");
        Should.Throw<InputException>(() => WebhookEvents.Validated([""])).Message.ShouldContain("without events");
    }
}
