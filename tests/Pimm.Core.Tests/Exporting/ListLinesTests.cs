using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Identifying;
using Pimm.Core.Importing;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Exporting;

public sealed class ListLinesTests
{
    internal static IReadOnlyList<string> Lines(string profile, params (IdentifierKind Kind, string Value)[][] customers) => Write(profile, customers).Lines;

    internal static IReadOnlyList<string> Lines(string profile, params (IdentifierKind Kind, string Value)[] customer) => Write(profile, customer).Lines;

    private static (IReadOnlyList<string> Lines, IReadOnlyList<FieldCount> Fields) Write(string profile, params (IdentifierKind Kind, string Value)[][] customers)
    {
        var of = ChannelProfile.Get(profile);
        var lines = new ListLines(of, Facts, (_, _, box) => Encoding.UTF8.GetString(box));
        var buffer = new ArrayBufferWriter<byte>();
        foreach (var customer in customers)
        {
            byte[]?[] given = [.. of.Kinds.Select(kind => customer.Where(one => one.Kind == kind).Select(one => Encoding.UTF8.GetBytes(one.Value)).SingleOrDefault())];
            lines.TryWrite(new ListRow(Guid.Empty, "c-1", given), buffer);
        }
        return (Encoding.UTF8.GetString(buffer.WrittenSpan).Split('\n', StringSplitOptions.RemoveEmptyEntries), lines.Fields);
    }

    private static readonly Dictionary<ListFact, string> Facts = new()
    {
        [ListFact.CampaignId] = "7", [ListFact.ExportId] = "0123abcd_a_20260302", [ListFact.Group] = "a", [ListFact.ModelVersion] = "4.2",
        [ListFact.ScoredAt] = "2026-03-01T00:00:00Z", [ListFact.ExpiresAt] = "2026-04-01T00:00:00Z",
    };

    [Fact]
    public void Headers_are_those_that_each_channel_wants()
    {
        Headers("google-customer-match").ShouldBe("Email,Phone,First Name,Last Name,Country,Zip");
        Headers("meta").ShouldBe("email,phone,madid,fn,ln,zip,country");
        Headers("tiktok").ShouldBe("Email_SHA256,Phone_SHA256,MAID_SHA256");
        Headers("generic-csv").ShouldBe("campaign_id,export_id,audience_group,customer_ref,email_sha256,phone_sha256,country,model_version,scored_at,expires_at");
        ChannelProfile.All.Select(profile => profile.Name).ShouldBe(Campaign.Channels);

        static string Headers(string profile) => string.Join(',', ChannelProfile.Get(profile).Columns.Select(column => column.Header));
    }

    // Facts without a constant are the customer's own: of a fact that is new, this test asks.
    [Fact]
    public void No_header_and_no_constant_cell_speaks_of_scores_money_or_segments()
    {
        var words = new Regex("score(?!d_at)|rank|income|segment|credit|rich|premium|wealth|value|tier|control|treatment", RegexOptions.IgnoreCase);

        foreach (var profile in ChannelProfile.All)
        {
            words.IsMatch(profile.Name).ShouldBeFalse();
            foreach (var column in profile.Columns)
                words.IsMatch(column.Header).ShouldBeFalse(column.Header);
            string.Concat(Lines(profile.Name, (IdentifierKind.Country, "DE"))).ShouldNotMatch(words.ToString());
        }
        Enum.GetValues<ListFact>().Where(fact => !Facts.ContainsKey(fact)).ShouldBe([ListFact.CustomerRef]);
    }

    [Fact]
    public void A_generic_line_has_the_key_and_what_else_is_known()
    {
        Lines("generic-csv", [(IdentifierKind.Country, "DE")], []).ShouldBe(
        [
            "7,0123abcd_a_20260302,a,c-1,,,DE,4.2,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z",
            "7,0123abcd_a_20260302,a,c-1,,,,4.2,2026-03-01T00:00:00Z,2026-04-01T00:00:00Z",
        ]);
    }

    [Fact]
    public void Google_s_address_is_given_whole_or_not_at_all_and_counted()
    {
        (IdentifierKind, string)[] whole = [(IdentifierKind.FirstName, "Ann"), (IdentifierKind.LastName, "Lee"), (IdentifierKind.Country, "DE"), (IdentifierKind.Zip, "10115")];
        var (lines, fields) = Write("google-customer-match", whole, [(IdentifierKind.Email, "ann@example.com"), .. whole[1..]], whole[1..]);

        lines.Count.ShouldBe(2);
        lines[0].ShouldEndWith(",DE,10115");
        lines[1].ShouldEndWith(",,,,,");
        fields.Single(field => field.Column == "Zip").ShouldBe(new FieldCount("Zip", Given: 3, Invalid: 0, Hashed: 0, Plain: 1, Incomplete: 2));
        fields.Single(field => field.Column == "Email").ShouldBe(new FieldCount("Email", Given: 1, Invalid: 0, Hashed: 1, Plain: 0, Incomplete: 0));
    }

    [Fact]
    public void A_field_that_cannot_be_used_is_counted_as_invalid()
    {
        Write("google-customer-match", [(IdentifierKind.Email, "+x@gmail.com"), (IdentifierKind.Phone, "+18005550100")]).Fields.Take(2).ShouldBe(
            [new FieldCount("Email", 1, 1, 0, 0, 0), new FieldCount("Phone", 1, 0, 1, 0, 0)]);
    }

    [Fact]
    public void A_customer_whom_a_channel_cannot_tell_has_no_line() =>
        Lines("tiktok", [(IdentifierKind.Country, "DE")], [(IdentifierKind.Email, "ann@example.com")]).Count.ShouldBe(1);

    [Theory]
    [InlineData("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")")]
    [InlineData("+18005550100", "'+18005550100")]
    [InlineData("@cmd", "'@cmd")]
    [InlineData("-2+3", "'-2+3")]
    [InlineData("  =1", "'  =1")]
    [InlineData("\t=1", "'\t=1")]
    [InlineData("＝1", "'＝1")]
    [InlineData("-2.5", "-2.5")]
    [InlineData("ann", "ann")]
    [InlineData("", "")]
    public void What_a_spreadsheet_would_compute_is_text_in_files_for_people(string cell, string escaped) => FormulaEscape.Of(cell).ShouldBe(escaped);
}
