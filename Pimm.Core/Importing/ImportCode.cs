namespace Pimm.Core.Importing;

/// <summary>Stable words for everything an import says: of a whole file that is refused, of a row put aside, of a value dropped.</summary>
public static class ImportCode
{
    // Of a whole file.
    public const string NoFile = "no_file";
    public const string EmptyFile = "empty_file";
    public const string NoRows = "no_rows";
    public const string MissingColumn = "missing_column";
    public const string DuplicateColumn = "duplicate_column";
    public const string TooManyColumns = "too_many_columns";
    public const string NoKey = "no_key";
    public const string BadMapping = "bad_mapping";
    public const string WrongEncoding = "wrong_encoding";
    public const string LineEnds = "line_ends";
    public const string WrongDelimiter = "wrong_delimiter";
    public const string NotText = "not_text";
    public const string DamagedArchive = "damaged_archive";
    public const string UnpackedTooLarge = "unpacked_too_large";
    public const string UploadTooLarge = "upload_too_large";
    public const string TooManyBadRows = "too_many_bad_rows";
    public const string FileChanged = "file_changed";
    public const string ImportedOtherwise = "imported_otherwise";

    // Of a row.
    public const string TooFewFields = "too_few_fields";
    public const string TooManyFields = "too_many_fields";
    public const string UnbalancedQuote = "unbalanced_quote";
    public const string NulByte = "nul_byte";
    public const string InvalidUtf8 = "invalid_utf8";
    public const string FieldTooLong = "field_too_long";
    public const string LineTooLong = "line_too_long";
    public const string BadKey = "bad_key";
    public const string ScientificKey = "id_scientific";
    public const string DuplicateKey = "duplicate_key";
    public const string BadLabel = "bad_label";
    public const string FunnelOrder = "funnel_order";
    public const string BadNumber = "bad_number";
    public const string BadTime = "bad_time";
    public const string AmbiguousDate = "ambiguous_date";
    public const string TimeInGap = "time_in_gap";
    public const string MissingCustomer = "missing_customer";
    public const string UnknownCustomer = "unknown_customer";
    public const string UnknownImpression = "unknown_impression";
    public const string BadEvent = "bad_event";
    public const string BadKind = "bad_kind";
    public const string BadCampaign = "bad_campaign";
    public const string BadWave = "bad_wave";
    public const string BadStage = "bad_stage";

    // Of a value that was dropped while its row was taken in.
    public const string BadEmail = "bad_email";
    public const string BadPhone = "bad_phone";
    public const string BadIdentifier = "bad_identifier";
    public const string BadConsent = "bad_consent";
    public const string FutureTime = "future_time";

    /// <summary>How rows with this code are mended; one sentence.</summary>
    public static string Remedy(string code) => code switch
    {
        TooFewFields or TooManyFields => "Give the row as many fields as the header, quoting those that hold the delimiter.",
        UnbalancedQuote => "Close the quote, or double each quote inside the field.",
        NulByte or InvalidUtf8 => "Export the file again as UTF-8 text.",
        FieldTooLong or LineTooLong => "Shorten the row, or leave the long column out.",
        BadKey => "Write the customer's key in 1 to 200 letters, digits and . _ : - ; an e-mail address is no key.",
        ScientificKey => "Format the column as text in the spreadsheet and export it again: digits of the key were lost.",
        DuplicateKey => "Keep one row a customer.",
        BadLabel => "Write 0 or 1.",
        FunnelOrder => "Correct the labels, or import with --order cascade-up or cascade-down.",
        BadNumber => "Write the number as 1234.56, or leave the field empty when it is unknown.",
        BadTime => "Write ISO 8601 with its offset, or name the file's zone with --zone.",
        AmbiguousDate => "Say the order of day, month and year with --date-order dmy, mdy or ymd.",
        TimeInGap => "The clocks were put forward over this time: write it with its offset.",
        UnknownCustomer => "Import the customer first, then import this row again.",
        UnknownImpression => "Check customer, campaign and wave against the exported list.",
        BadEmail or BadPhone or BadIdentifier or BadConsent => "Mend the value and import the file again; the row itself was taken in.",
        _ => "Mend the row and import it again.",
    };
}
