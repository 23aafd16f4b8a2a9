using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Importing;

public sealed class MaskedTextTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("2", "2")]
    [InlineData("-1.234,5", "-1.234,5")]
    [InlineData("31.13.2026", "99.99.9999")]
    [InlineData("4915123456789", "9999999999999")]
    [InlineData("+49 151 23456789", "+49•••••89")]
    [InlineData("ada@example.com", "a•••@e•••.com")]
    [InlineData("Anna Schmidt", "A••• (12 letters)")]
    [InlineData("DE89370400440532013000", "D••• (22 letters)")]
    [InlineData("\nx", "?••• (2 letters)")]
    public void A_message_shows_of_a_value_what_names_nobody(string value, string shown) => MaskedText.Of(value).ShouldBe(shown);
}
