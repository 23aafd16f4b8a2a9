using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Pimm.Core.Exporting;
using Pimm.Core.Identifying;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Exporting;

/// <summary>Hashes that the channels publish, or that follow from the forms they publish; and what known implementations get wrong.</summary>
public sealed class HashingTests
{
    private const string Shopping = "  Cloudy.SanFrancisco+Shopping@Gmail.com ";
    private const string Corporate = "user.name+NYC@Example.com";

    /// <summary>From what a file says to what a channel gets.</summary>
    private static string? Cell(string profile, string header, string written, string? country = null)
    {
        var column = ChannelProfile.Get(profile).Columns.Single(column => column.Header == header);
        return Canonical.Of(column.Kind!.Value, written, country) is { } canonical ? column.Cell(canonical) : null;
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("google-customer-match", "Email", Shopping, "223ebda6f6889b1494551ba902d9d381daf2f642bae055888e96343d53e9f9c4")]
    [InlineData("meta", "email", Shopping, "8dd4a9bf850242873c14976125edabc35096192b784626a5641a7d2de56e3c1e")]
    [InlineData("tiktok", "Email_SHA256", Shopping, "8dd4a9bf850242873c14976125edabc35096192b784626a5641a7d2de56e3c1e")]
    [InlineData("generic-csv", "email_sha256", Shopping, "8dd4a9bf850242873c14976125edabc35096192b784626a5641a7d2de56e3c1e")]
    [InlineData("google-customer-match", "Email", Corporate, "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac")]
    [InlineData("meta", "email", Corporate, "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac")]
    [InlineData("tiktok", "Email_SHA256", Corporate, "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac")]
    [InlineData("google-customer-match", "Phone", "(800) 555-0100", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30")]
    [InlineData("tiktok", "Phone_SHA256", "(800) 555-0100", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30")]
    [InlineData("generic-csv", "phone_sha256", "(800) 555-0100", "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30")]
    [InlineData("meta", "phone", "(800) 555-0100", "92cfdc5fbcd4a20fbe5d3857af6c1aba31762105bba7f21a17155e920653046c")]
    [InlineData("google-customer-match", "Email", "test@gmail.com", "87924606b4131a8aceeeae8868531fbb9712aaa07a5d3a756b26ce0f5d6ca674")]
    [InlineData("tiktok", "Email_SHA256", "janedoe@gmail.com", "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69")]
    [InlineData("tiktok", "MAID_SHA256", "5F3A2B18-9C4D-4E7F-B8E2-17D3A1E69B25", "83dc3f5f32b9472613b0f038d36f22585a609d018af6f6067f50da318bf354bd")]
    public void Published_vectors_match(string profile, string header, string written, string hash) => Cell(profile, header, written, "US").ShouldBe(hash);

    [Fact]
    public void TikTok_s_own_phone_example_is_the_hash_without_the_plus_sign_that_its_page_asks_for()
    {
        Hash("37493828222").ShouldBe("65b7e6dcf6f4310f8d7cbfbd78289a753062fb054d6664fb9aaac5df66a422d4");
        Cell("tiktok", "Phone_SHA256", "+37493828222").ShouldBe(Hash("+37493828222"));
    }

    [Theory]
    [InlineData("meta", "fn", "María", "maría")]
    [InlineData("meta", "fn", "Mari\u0301a", "maría")]
    [InlineData("meta", "ln", "O'Brien-Smith", "obriensmith")]
    [InlineData("meta", "ln", "정", "정")]
    [InlineData("meta", "zip", "94043-1234", "94043")]
    [InlineData("meta", "zip", "SW1A 1AA", "sw1a1aa")]
    [InlineData("meta", "country", "US", "us")]
    [InlineData("google-customer-match", "First Name", " Mrs. Ann ", "ann")]
    [InlineData("google-customer-match", "Last Name", "Lee, Jr.", "lee")]
    [InlineData("google-customer-match", "Last Name", "O'Brien", "o'brien")]
    [InlineData("google-customer-match", "Email", "A.B+c@GoogleMail.com", "ab@googlemail.com")]
    public void Forms_that_are_hashed(string profile, string header, string written, string form) => Cell(profile, header, written).ShouldBe(Hash(form));

    [Theory]
    [InlineData("google-customer-match", "Country", "de", "DE")]
    [InlineData("google-customer-match", "Zip", "94043-1234", "94043-1234")]
    [InlineData("meta", "madid", "AECE52E7-03EE-455A-B3C4-E57283966239", "aece52e7-03ee-455a-b3c4-e57283966239")]
    [InlineData("generic-csv", "country", "de", "DE")]
    public void Cells_that_are_never_hashed(string profile, string header, string written, string cell) => Cell(profile, header, written).ShouldBe(cell);

    [Fact]
    public void Letters_that_look_alike_are_the_same_bytes()
    {
        Cell("meta", "fn", "mari\u0301a").ShouldBe("edd82ab3" + Hash("maría")[8..]);
        Hash("mari\u0301a").ShouldStartWith("ae6eb81b");
    }

    // 1. Google's own Python sample takes the spaces out of an e-mail address, and forgets lower case and the rule for Gmail.
    [Fact]
    public void Unlike_Google_s_sample_an_email_address_is_lower_case_and_Gmail_s_dots_go()
    {
        var wrong = Hash(Regex.Replace(Shopping, @"\s+", ""));

        Cell("google-customer-match", "Email", Shopping).ShouldNotBe(wrong);
        Cell("google-customer-match", "Email", Corporate).ShouldNotBe(Hash(Corporate));
        Cell("google-customer-match", "Email", Shopping).ShouldBe(Hash("cloudysanfrancisco@gmail.com"));
    }

    // 2. Segment's TikTok action takes dots and "+tag" from every domain, and drops whoever has only a phone.
    [Fact]
    public void Unlike_Segment_s_TikTok_action_corporate_addresses_stay_whole_and_a_phone_alone_is_enough()
    {
        Cell("tiktok", "Email_SHA256", Corporate).ShouldNotBe(Hash("username@example.com"));
        Cell("tiktok", "Email_SHA256", Corporate).ShouldBe(Hash("user.name+nyc@example.com"));
        ListLinesTests.Lines("tiktok", (IdentifierKind.Phone, "+18005550100")).ShouldBe([$",{Hash("+18005550100")},"]);
    }

    // 3. RudderStack's Meta destination makes "m" of every gender but the female.
    [Fact]
    public void Unlike_RudderStack_no_gender_is_made_up()
    {
        ChannelProfile.All.SelectMany(profile => profile.Columns).ShouldNotContain(column => Regex.IsMatch(column.Header, "^(gen|gender|sex)$", RegexOptions.IgnoreCase));
        Enum.GetNames<IdentifierKind>().ShouldNotContain("Gender");
        ListLinesTests.Lines("meta", (IdentifierKind.Email, "ann@example.com")).Single().ShouldNotContain(Hash("m"));
    }

    // 4. Meta's Python SDK takes everything but a to z out of names.
    [Fact]
    public void Unlike_Meta_s_SDK_accents_stay_in_names()
    {
        Cell("meta", "fn", "María").ShouldNotBe(Hash("mara"));
        Cell("meta", "fn", "María").ShouldBe(Hash("maría"));
        Cell("meta", "ln", "Müller").ShouldNotBe(Hash("mller"));
    }

    // 5. Segment's Meta action failed the whole batch at one field that had nothing left to hash.
    [Fact]
    public void Unlike_Segment_s_Meta_action_a_field_with_nothing_to_hash_is_left_out_and_the_others_go()
    {
        ListLinesTests.Lines("meta",
            [(IdentifierKind.Email, "ann@example.com"), (IdentifierKind.FirstName, "!!!")], [(IdentifierKind.Email, "bob@example.com")])
            .ShouldBe([$"{Hash("ann@example.com")},,,,,,", $"{Hash("bob@example.com")},,,,,,"]);
    }

    [Fact]
    public void Nobody_is_the_hash_of_nothing()
    {
        var nothing = Hash("");

        foreach (var column in ChannelProfile.All.SelectMany(profile => profile.Columns).Where(column => column.Kind is not null))
        {
            foreach (var blank in (string[])["", " ", "\u00A0", "-", "+@gmail.com"])
            {
                (Canonical.Of(column.Kind!.Value, blank, "US") is { } canonical ? column.Cell(canonical) : null).ShouldNotBe(nothing, $"{column.Header} of \"{blank}\"");
                column.Cell("").ShouldBeNull();
            }
        }
        Cell("google-customer-match", "Email", "+x@gmail.com").ShouldBeNull();
    }

    [Fact]
    public void What_was_hashed_before_is_never_hashed_again()
    {
        foreach (var column in ChannelProfile.All.SelectMany(profile => profile.Columns).Where(column => column.Kind is not null))
            column.Cell(Hash("ann@example.com")).ShouldBeNull(column.Header);
    }
}
