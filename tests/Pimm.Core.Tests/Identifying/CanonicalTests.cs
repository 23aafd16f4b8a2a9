using Pimm.Core.Identifying;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Identifying;

public sealed class CanonicalTests
{
    [Theory]
    [InlineData("  Ann.Lee+News@Example.COM ", "ann.lee+news@example.com")]
    [InlineData("o'brien_1@mail.example.co.uk", "o'brien_1@mail.example.co.uk")]
    [InlineData("josé@exämple.de", "josé@exämple.de")]
    [InlineData("jose\u0301@example.de", "josé@example.de")]
    [InlineData("a@xn--exmple-cua.xn--p1ai", "a@xn--exmple-cua.xn--p1ai")]
    [InlineData("", null)]
    [InlineData("   ", null)]
    [InlineData("ann", null)]
    [InlineData("@example.com", null)]
    [InlineData("ann@example", null)]
    [InlineData("ann@@example.com", null)]
    [InlineData("ann@example.com,bob@example.com", null)]
    [InlineData("ann lee@example.com", null)]
    [InlineData("ann\u200B@example.com", null)]
    [InlineData(".ann@example.com", null)]
    [InlineData("an..n@example.com", null)]
    [InlineData("ann.@example.com", null)]
    [InlineData("ann@-example.com", null)]
    [InlineData("ann@example.1", null)]
    [InlineData("\"ann\"@example.com", null)]
    [InlineData("87924606b4131a8aceeeae8868531fbb9712aaa07a5d3a756b26ce0f5d6ca674", null)]
    public void An_email_address_has_one_form_or_none(string written, string? canonical) => Canonical.Email(written).ShouldBe(canonical);

    [Fact]
    public void An_email_address_that_no_mail_system_takes_is_none()
    {
        Canonical.Email(new string('a', 64) + "@example.com").ShouldNotBeNull();
        Canonical.Email(new string('a', 65) + "@example.com").ShouldBeNull();
        Canonical.Email("a@" + string.Concat(Enumerable.Repeat("abcdefgh.", 30)) + "com").ShouldBeNull();
    }

    [Theory]
    [InlineData("(800) 555-0100", "US", "+18005550100")]
    [InlineData("1 800 555 0100", "US", "+18005550100")]
    [InlineData("+1 (800) 555-0100", null, "+18005550100")]
    [InlineData("011 49 170 1234567", "US", "+491701234567")]
    [InlineData("0170 1234567", "DE", "+491701234567")]
    [InlineData("0049 170 1234567", "DE", "+491701234567")]
    [InlineData("+49 (0)170 1234567", null, "+491701234567")]
    [InlineData("+44 (0)20 7946 0958", "US", "+442079460958")]
    [InlineData("06 1234 5678", "IT", "+390612345678")]
    [InlineData("06 30 123 4567", "HU", "+36301234567")]
    [InlineData("8 912 345-67-89", "RU", "+79123456789")]
    [InlineData("138 0013 8000", "CN", "+8613800138000")]
    [InlineData("+37493828222", null, "+37493828222")]
    [InlineData("+１８００５５５０１００", null, "+18005550100")]
    [InlineData("(800)\u00A0555\u20110100", "us", "+18005550100")]
    [InlineData("(800) 555-0100", null, null)]
    [InlineData("(800) 555-0100", "XX", null)]
    [InlineData("555-0100", "US", null)]
    [InlineData("0000000000", "US", null)]
    [InlineData("800 555 0100 ext. 12", "US", null)]
    [InlineData("+1 800 FLOWERS", null, null)]
    [InlineData("+999 12345678", null, null)]
    [InlineData("+49", null, null)]
    [InlineData("+", null, null)]
    [InlineData("", "US", null)]
    [InlineData("--", "US", null)]
    [InlineData("1.2E+11", "US", null)]
    [InlineData("+4917012345678901234", null, null)]
    public void A_phone_number_is_international_or_belongs_to_the_country_that_was_named(string written, string? country, string? canonical) =>
        Canonical.Phone(written, country).ShouldBe(canonical);

    [Theory]
    [InlineData(IdentifierKind.FirstName, "  Mary  Ann ", "Mary Ann")]
    [InlineData(IdentifierKind.FirstName, "Mari\u0301a", "María")]
    [InlineData(IdentifierKind.LastName, "-", null)]
    [InlineData(IdentifierKind.Country, " de", "DE")]
    [InlineData(IdentifierKind.Country, "Germany", null)]
    [InlineData(IdentifierKind.Zip, "sw1a  1aa", "SW1A 1AA")]
    [InlineData(IdentifierKind.Zip, "94043-1234", "94043-1234")]
    [InlineData(IdentifierKind.Zip, "=1+1", null)]
    [InlineData(IdentifierKind.Maid, "AECE52E7-03EE-455A-B3C4-E57283966239", "aece52e7-03ee-455a-b3c4-e57283966239")]
    [InlineData(IdentifierKind.Maid, "00000000-0000-0000-0000-000000000000", null)]
    public void Other_kinds_have_their_forms_too(IdentifierKind kind, string written, string? canonical) => Canonical.Of(kind, written).ShouldBe(canonical);

    [Theory]
    [InlineData(IdentifierKind.Email)]
    [InlineData(IdentifierKind.Phone)]
    [InlineData(IdentifierKind.FirstName)]
    [InlineData(IdentifierKind.LastName)]
    [InlineData(IdentifierKind.Country)]
    [InlineData(IdentifierKind.Zip)]
    [InlineData(IdentifierKind.Maid)]
    public void What_was_hashed_already_is_refused_and_told_apart(IdentifierKind kind)
    {
        const string hash = "223EBDA6F6889B1494551BA902D9D381DAF2F642BAE055888E96343D53E9F9C4";

        Canonical.LooksHashed(hash).ShouldBeTrue();
        Canonical.LooksHashed(hash[..63]).ShouldBeFalse();
        Canonical.Of(kind, hash, "US").ShouldBeNull();
    }

    [Theory]
    [InlineData(IdentifierKind.Email, "john@example.com", "j•••@e•••.com")]
    [InlineData(IdentifierKind.Phone, "+491701234123", "+49•••••123")]
    [InlineData(IdentifierKind.Phone, "+290123", "+•••")]
    [InlineData(IdentifierKind.LastName, "Öztürk", "Ö•••")]
    [InlineData(IdentifierKind.Country, "DE", "DE")]
    [InlineData(IdentifierKind.Country, "ada@example.com", "a•••")]
    [InlineData(IdentifierKind.Maid, "aece52e7-03ee-455a-b3c4-e57283966239", "a•••")]
    public void What_is_shown_is_masked(IdentifierKind kind, string value, string shown)
    {
        IdentifierStore.Masked(kind, value).ShouldBe(shown);
        new CustomerIdentifier(Guid.Empty, kind, value, default).ToString().ShouldBe($"{kind} {shown}");
    }
}
